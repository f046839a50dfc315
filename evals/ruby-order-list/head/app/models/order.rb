# frozen_string_literal: true

class Order < ApplicationRecord
  belongs_to :customer
  has_many :shipments, dependent: :destroy

  scope :open, -> { where(closed_at: nil) }
  scope :newest_first, -> { order(created_at: :desc, id: :desc) }

  # The shipment that was sent last, nil before the first one.
  def last_shipment
    shipments.order(:sent_at).last
  end

  def number
    format('%06d', id)
  end
end
