# frozen_string_literal: true

require 'rails_helper'

RSpec.describe MemberList do
  before do
    create(:member, name: 'Ada', city: 'Paris')
    create(:member, name: 'Bob', city: 'Aachen')
  end

  def names(**params)
    described_class.new(params).members.map(&:name)
  end

  it 'sorts by name' do
    expect(names).to eq(%w[Ada Bob])
  end
end
