import { Contact, parseRow } from "./rows";

export interface Store {
  save(contact: Contact): Promise<void>;
}

const HEADER = "name,email,phone";

/** Import a CSV text with a header line. Throws when the header is not ours. */
export async function importContacts(text: string, store: Store): Promise<void> {
  const lines = text.replace(/\r\n/g, "\n").split("\n");
  if (lines[0]?.trim() !== HEADER) {
    throw new Error(`the first line must be ${HEADER}`);
  }
  for (let index = 1; index < lines.length; index++) {
    const line = lines[index];
    if (line.trim() === "") {
      continue;
    }
    const row = parseRow(line);
    if (row.ok) {
      await store.save(row.contact);
    }
  }
}
