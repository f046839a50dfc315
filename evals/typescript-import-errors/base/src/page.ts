import { importContacts, Store } from "./import";

/** What the import page shows after an upload. */
export async function importPage(text: string, store: Store): Promise<string[]> {
  await importContacts(text, store);
  return ["Done."];
}
