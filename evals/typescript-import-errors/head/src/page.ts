import { importContacts, Imported, Store } from "./import";

/** What the import page shows after an upload. */
export async function importPage(text: string, store: Store): Promise<string[]> {
  const done: Imported = await importContacts(text, store);
  const noun = done.saved === 1 ? "contact" : "contacts";
  return [
    `${done.saved} ${noun} imported.`,
    ...done.failed.map((one) => `Line ${one.line} was not imported: ${one.reason}.`),
  ];
}
