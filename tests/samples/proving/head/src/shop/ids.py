"""Names of orders."""


def order_id(number, country="DE"):
    """Return the order's name: country, a hyphen, and the number in six digits with its check digit."""
    digits = f"{number:06d}"
    check = sum(int(digit) * weight for weight, digit in enumerate(digits, 1)) % 10
    return f"{country}-{digits}{check}"
