import { mergeRanges, Range } from './ranges';

export function busyMinutes(meetings: Range[]): number {
  const sorted = [...meetings].sort((a, b) => a.from - b.from);
  return mergeRanges(sorted).reduce((sum, range) => sum + range.to - range.from, 0);
}
