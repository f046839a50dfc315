export interface Line {
  cents: number;
  tax: number;
}

export function view(lines: Line[]) {
  const net = lines.reduce((sum, line) => sum + line.cents, 0);
  const tax = lines.reduce((sum, line) => sum + line.tax, 0);
  return { count: lines.length, net, tax, gross: net + tax };
}
