export function amount(text: string): number {
  return Number(text);
}
