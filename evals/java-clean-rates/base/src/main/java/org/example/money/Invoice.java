package org.example.money;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Currency;
import java.util.List;

/** What a customer pays: each position rounded by itself, as the law wants it, then added. */
public record Invoice(Currency currency, List<Position> positions, int discountPercent) {
    /** So many pieces at a price for one. */
    public record Position(String title, BigDecimal pieces, Money price) {
        Money total() {
            BigDecimal exact = price.amount().multiply(pieces);
            return new Money(exact.setScale(price.currency().getDefaultFractionDigits(), RoundingMode.HALF_UP), price.currency());
        }
    }

    public Money total() {
        Money sum = new Money(BigDecimal.ZERO, currency);
        for (Position position : positions) {
            sum = sum.plus(position.total());
        }
        BigDecimal factor = BigDecimal.valueOf(100L - discountPercent).movePointLeft(2);
        BigDecimal exact = sum.amount().multiply(factor);
        return new Money(exact.setScale(currency.getDefaultFractionDigits(), RoundingMode.HALF_UP), currency);
    }
}
