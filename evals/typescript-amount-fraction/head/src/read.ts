export function amount(text: string): number {
  return parseInt(text.replace(',', '.'));
}
