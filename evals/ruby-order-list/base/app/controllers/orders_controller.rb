# frozen_string_literal: true

class OrdersController < ApplicationController
  ROWS = 200

  before_action :authenticate_staff!

  def index
    orders = Order.open.newest_first.includes(:customer).limit(ROWS)
    render json: orders.map { |order| OrderRow.new(order).as_json }
  end

  def close
    order = Order.open.find(params[:id])
    order.update!(closed_at: Time.current)
    head :no_content
  end
end
