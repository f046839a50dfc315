export interface Product {
  id: string;
  title: string;
  /** Cents. */
  price: number;
}

/** The supplier's catalogue. It refuses a second request while one is open (HTTP 409). */
export interface Catalogue {
  product(id: string): Promise<Product>;
}

export class MemoryCatalogue implements Catalogue {
  constructor(private readonly products: Map<string, Product>) {}

  async product(id: string): Promise<Product> {
    const found = this.products.get(id);
    if (!found) {
      throw new Error(`no product ${id}`);
    }
    return found;
  }
}
