export interface Contact {
  name: string;
  email: string;
  phone?: string;
}

export type Row = { ok: true; contact: Contact } | { ok: false; reason: string };

const EMAIL = /^[^@\s]+@[^@\s]+\.[^@\s]+$/;

/** Read one line of the CSV. Our exports quote nothing, so that a comma always separates. */
export function parseRow(line: string): Row {
  const [name, email, phone] = line.split(",").map((cell) => cell.trim());
  if (!name) {
    return { ok: false, reason: "no name" };
  }
  if (!EMAIL.test(email ?? "")) {
    return { ok: false, reason: `not an address: ${email ?? ""}` };
  }
  return { ok: true, contact: phone ? { name, email, phone } : { name, email } };
}
