# frozen_string_literal: true

class Shipment < ApplicationRecord
  belongs_to :order
  belongs_to :carrier

  validates :sent_at, presence: true

  # "DHL: Leipzig", or the carrier alone until the first scan.
  def whereabouts
    [carrier.name, last_place.presence].compact.join(': ')
  end
end
