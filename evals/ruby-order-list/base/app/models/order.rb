# frozen_string_literal: true

class Order < ApplicationRecord
  belongs_to :customer
  has_many :shipments, dependent: :destroy

  scope :open, -> { where(closed_at: nil) }
  scope :newest_first, -> { order(created_at: :desc, id: :desc) }

  def number
    format('%06d', id)
  end
end
