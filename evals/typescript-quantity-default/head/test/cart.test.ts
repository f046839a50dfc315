import { describe, expect, it } from "vitest";

import { addLine, editLine, price } from "../src/cart";
import { MemoryCatalogue } from "../src/catalogue";

const catalogue = new MemoryCatalogue(new Map([["tea", { id: "tea", title: "Tea", price: 450 }]]));
const empty = { customerId: "c1", lines: [], discount: 10 };

describe("cart", () => {
  it("adds up quantities of one product", () => {
    const cart = addLine(addLine(empty, "tea", 1), "tea", 2);
    expect(cart.lines).toEqual([{ productId: "tea", quantity: 3 }]);
  });

  it("removes a line at quantity 0", () => {
    expect(editLine(addLine(empty, "tea", 1), "tea", { quantity: 0 }).lines).toEqual([]);
  });

  it("prefers the line's discount", async () => {
    const cart = editLine(addLine(empty, "tea", 2), "tea", { discount: 50 });
    expect((await price(cart, catalogue))[0].total).toBe(450);
  });
});
