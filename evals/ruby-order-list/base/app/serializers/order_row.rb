# frozen_string_literal: true

# One row of the list of orders, as the page's JavaScript wants it.
class OrderRow
  def initialize(order)
    @order = order
  end

  def as_json(*)
    {
      id: @order.id,
      number: @order.number,
      customer: @order.customer.name,
      placed: @order.created_at.iso8601
    }
  end
end
