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

  it 'sorts by name unless told otherwise' do
    expect(names).to eq(%w[Ada Bob])
  end

  it 'sorts by a column, down' do
    expect(names(sort: 'city', direction: 'desc')).to eq(%w[Ada Bob])
  end

  it 'does not know other columns' do
    expect(names(sort: 'password_digest')).to eq(%w[Ada Bob])
  end

  it 'takes wild cards in a search for what they are' do
    expect(names(q: '%')).to be_empty
  end
end
