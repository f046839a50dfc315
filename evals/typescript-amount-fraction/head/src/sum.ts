import { amount } from './read';

export function sum(texts: string[]): number {
  return texts.map(amount).reduce((total, value) => total + value, 0);
}
