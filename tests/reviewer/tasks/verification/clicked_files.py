"""Files of several languages, in which suggestions are clicked."""

from __future__ import annotations

FILES = {
    "src/load.py": '''\
import os


class Loader:
    """Reads the settings."""

    def __init__(self, path, limit=10):
        self.path = path
        self.limit = limit

    def load(self, strict):
        # Read the settings.
        text = open(self.path).read()
        if strict and len(text) > self.limit:
            raise ValueError("too long")
        return text.strip()


def total(rows):
    result = 0
    for row in rows:
        if row.price > 100 and row.amount < 7:
            result += row.price * row.amount
    return result
''',
    "web/mean.js": """\
import { total } from "./total";

export function mean(values) {
  const n = values.length;
  if (n > 100 && values[0] < 7) {
    console.warn("too many values");
    return null;
  }
  return total(values) / n;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted[middle];
}
""",
    "pkg/f.go": """\
package m

func f(x int) int {
\tfor i := 0; i < x; i++ {
\t\tif i > 3 {
\t\t\treturn 10 / (i - 4)
\t\t}
\t\tlogged(i, x)
\t}
\treturn 1
}

func g(name string) error {
\tif name == "" {
\t\treturn errEmpty
\t}
\tfirst := strings.ToLower(name)
\treturn save(first, 3)
}
""",
    "Makefile": """\
PYTHON = python3
OUT = build/out.txt

all: $(OUT)
\techo all is built
\ttouch $(OUT)

clean:
\trm -rf $(OUT)
\trm -rf .cache

test: all
\t$(PYTHON) -m pytest -q tests
\t$(PYTHON) -m mypy src
""",
    "deploy/app.yaml": """\
service: shop
image: registry.example.org/shop:latest
replicas: 3
resources:
  limits:
    memory: 512Mi
    cpu: 2
ports:
  - name: web
    port: 8080
  - name: metrics
    port: 9090
""",
    "docs/guide.md": """\
# Shop

Install the shop with these commands:

```sh
make install
make test
```

The shop listens on port 8080.

- orders are stored in the database
- prices are read once a day

~~~python
shop.run(port=8080)
~~~

More is in the manual.
""",
    "scripts/run.sh": """\
#!/bin/sh
set -e

target="$1"
if [ -z "$target" ]; then
  echo "no target" >&2
  exit 2
fi
for name in one two three; do
  cp "$name.txt" "$target/$name.txt"
  echo "copied $name"
done
""",
    "db/schema.sql": """\
CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  customer TEXT NOT NULL,
  amount INTEGER NOT NULL
);

SELECT customer, sum(amount) AS total
FROM orders
WHERE amount > 100 AND customer <> 'test'
GROUP BY customer
ORDER BY total DESC;
""",
    "src/Shop.java": """\
package shop;

public class Shop {
    private int limit = 10;

    public int price(int amount, int price) {
        if (amount > limit && price < 7) {
            return amount * price;
        }
        int rest = amount - limit;
        return rest * price;
    }

    public void close() {
        store.flush();
        store.close();
    }
}
""",
    "src/queue.kt": """\
package shop

class Queue(private val limit: Int) {
    fun push(item: Item): Boolean {
        if (items.size >= limit && item.weight < 7) {
            return false
        }
        items.add(item)
        return true
    }

    fun clear() {
        items.clear()
        log.info("cleared")
    }
}
""",
    "lib/shop.rb": """\
class Shop
  def initialize(limit)
    @limit = limit
    @items = []
  end

  def add(item)
    raise ArgumentError, "too many" if @items.size > @limit
    @items << item
    item.price * 2
  end
end
""",
    "src/style.css": """\
.header {
  color: #333333;
  margin: 0 auto;
}

.header > a {
  color: #0000ee;
  padding: 4px 8px;
}
""",
    "Dockerfile": """\
FROM python:3.11-slim
WORKDIR /srv
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
EXPOSE 8080
CMD ["python", "-m", "shop"]
""",
    "src/game.lua": """\
local limit = 10

function update(state, dt)
  state.time = state.time + dt
  if state.time > limit and state.lives < 7 then
    state.over = true
    notify("game over")
  end
  return state
end
""",
    "src/list.c": """\
#include "list.h"

int list_sum(const struct list *list)
{
\tint sum = 0;

\tfor (int i = 0; i < list->length; i++) {
\t\tif (list->items[i] > 100 && list->items[i] < 700)
\t\t\tsum += list->items[i];
\t}
\treturn sum;
}
""",
}
FILES |= {
    "win/load.py": FILES["src/load.py"].replace("\n", "\r\n"),
    "win/Shop.java": FILES["src/Shop.java"].replace("\n", "\r\n"),
    "open/app.yaml": FILES["deploy/app.yaml"].removesuffix("\n"),
    "open/load.py": FILES["src/load.py"].removesuffix("\n"),
}
