import { Catalogue, Product } from "./catalogue";

export interface Line {
  productId: string;
  quantity: number;
  /** Percent off this line; undefined: the customer's own discount holds. */
  discount?: number;
}

export interface Cart {
  customerId: string;
  lines: Line[];
  /** Percent off everything that has no discount of its own. */
  discount: number;
}

export interface Edit {
  quantity?: number;
  discount?: number;
}

export interface PricedLine extends Line {
  title: string;
  /** Cents, after the discount. */
  total: number;
}

export function addLine(cart: Cart, productId: string, quantity: number): Cart {
  const present = cart.lines.find((line) => line.productId === productId);
  if (present) {
    return editLine(cart, productId, { quantity: present.quantity + quantity });
  }
  return { ...cart, lines: [...cart.lines, { productId, quantity }] };
}

export function removeLine(cart: Cart, productId: string): Cart {
  return { ...cart, lines: cart.lines.filter((line) => line.productId !== productId) };
}

/** Change a line; what the edit leaves out stays. Quantity 0 removes the line. */
export function editLine(cart: Cart, productId: string, edit: Edit): Cart {
  const lines = cart.lines
    .map((line) =>
      line.productId === productId
        ? { ...line, quantity: edit.quantity ?? line.quantity, discount: edit.discount ?? line.discount }
        : line,
    )
    .filter((line) => line.quantity > 0);
  return { ...cart, lines };
}

/** Cents that the line costs. */
function lineTotal(line: Line, product: Product, cart: Cart): number {
  const percent = line.discount || cart.discount;
  return Math.round((line.quantity * product.price * (100 - percent)) / 100);
}

/** Price the cart. Products are asked for one after the other: the catalogue allows one request at a time. */
export async function price(cart: Cart, catalogue: Catalogue): Promise<PricedLine[]> {
  const priced: PricedLine[] = [];
  for (const line of cart.lines) {
    const product = await catalogue.product(line.productId);
    priced.push({ ...line, title: product.title, total: lineTotal(line, product, cart) });
  }
  return priced;
}
