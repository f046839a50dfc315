import { Catalogue, Product } from "./catalogue";

export interface Line {
  productId: string;
  quantity: number;
}

export interface Cart {
  customerId: string;
  lines: Line[];
  /** Percent off everything. */
  discount: number;
}

export interface PricedLine extends Line {
  title: string;
  /** Cents, after the discount. */
  total: number;
}

export function addLine(cart: Cart, productId: string, quantity: number): Cart {
  const present = cart.lines.find((line) => line.productId === productId);
  if (present) {
    const lines = cart.lines.map((line) =>
      line === present ? { ...line, quantity: line.quantity + quantity } : line,
    );
    return { ...cart, lines };
  }
  return { ...cart, lines: [...cart.lines, { productId, quantity }] };
}

export function removeLine(cart: Cart, productId: string): Cart {
  return { ...cart, lines: cart.lines.filter((line) => line.productId !== productId) };
}

/** Cents that the line costs. */
function lineTotal(line: Line, product: Product, cart: Cart): number {
  return Math.round((line.quantity * product.price * (100 - cart.discount)) / 100);
}

/** Price the cart. */
export async function price(cart: Cart, catalogue: Catalogue): Promise<PricedLine[]> {
  return Promise.all(
    cart.lines.map(async (line) => {
      const product = await catalogue.product(line.productId);
      return { ...line, title: product.title, total: lineTotal(line, product, cart) };
    }),
  );
}
