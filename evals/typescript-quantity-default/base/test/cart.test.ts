import { describe, expect, it } from "vitest";

import { addLine, price } from "../src/cart";
import { MemoryCatalogue } from "../src/catalogue";

const catalogue = new MemoryCatalogue(new Map([["tea", { id: "tea", title: "Tea", price: 450 }]]));
const empty = { customerId: "c1", lines: [], discount: 10 };

describe("cart", () => {
  it("adds up quantities of one product", () => {
    const cart = addLine(addLine(empty, "tea", 1), "tea", 2);
    expect(cart.lines).toEqual([{ productId: "tea", quantity: 3 }]);
  });

  it("takes the customer's discount off", async () => {
    expect((await price(addLine(empty, "tea", 2), catalogue))[0].total).toBe(810);
  });
});
