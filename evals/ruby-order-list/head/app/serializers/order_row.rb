# frozen_string_literal: true

# One row of the list of orders, as the page's JavaScript wants it.
class OrderRow
  def initialize(order)
    @order = order
    @shipment = order.last_shipment
  end

  def as_json(*)
    {
      id: @order.id,
      number: @order.number,
      customer: @order.customer.name,
      placed: @order.created_at.iso8601,
      shipment: @shipment&.whereabouts,
      late: late?
    }
  end

  private

  # An order is late when it was promised for a day that is over and nothing was sent.
  def late?
    @shipment.nil? && @order.promised_on.present? && @order.promised_on < Date.current
  end
end
