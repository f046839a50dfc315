import { fold } from './fold';

export interface Range {
  from: number;
  to: number;
}

export function mergeRanges(ranges: Range[]): Range[] {
  return fold(ranges);
}
