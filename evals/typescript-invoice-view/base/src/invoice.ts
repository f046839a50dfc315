export interface Line {
  cents: number;
}

export function view(lines: Line[]) {
  const total = lines.reduce((sum, line) => sum + line.cents, 0);
  return { count: lines.length, total };
}
