package org.example.money;

import java.math.BigDecimal;
import java.util.Currency;
import java.util.List;

/** What a customer pays: each position rounded by itself, as the law wants it, then added. */
public record Invoice(Currency currency, List<Position> positions, int discountPercent) {
    /** So many pieces at a price for one. */
    public record Position(String title, BigDecimal pieces, Money price) {
        Money total() {
            return price.times(pieces);
        }
    }

    public Money total() {
        Money sum = new Money(BigDecimal.ZERO, currency);
        for (Position position : positions) {
            sum = sum.plus(position.total());
        }
        return sum.less(discountPercent);
    }
}
