package org.example.money;

import java.math.BigDecimal;
import java.util.Currency;
import java.util.Objects;

/** An amount in a currency. */
public record Money(BigDecimal amount, Currency currency) {
    public Money {
        Objects.requireNonNull(amount, "amount");
        Objects.requireNonNull(currency, "currency");
    }

    /** Returns the sum. Both must be of one currency. */
    public Money plus(Money other) {
        if (currency != other.currency) {
            throw new IllegalArgumentException("the currencies differ");
        }
        return new Money(amount.add(other.amount), currency);
    }
}
