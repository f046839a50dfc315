import { mergeRanges, Range } from './ranges';

export function busyMinutes(meetings: Range[]): number {
  return mergeRanges(meetings).reduce((sum, range) => sum + range.to - range.from, 0);
}
