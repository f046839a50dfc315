import { amount } from './read';

export function sum(texts: string[]): number {
  return texts.reduce((total, text) => total + amount(text), 0);
}
