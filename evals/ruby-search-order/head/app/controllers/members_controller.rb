# frozen_string_literal: true

class MembersController < ApplicationController
  before_action :authenticate_staff!

  def index
    list = MemberList.new(params.permit(:q, :sort, :direction, :page))
    render json: { members: list.members.map { |member| row(member) }, pages: list.pages, total: list.total }
  end

  private

  def row(member)
    member.slice(:id, :name, :email, :city, :joined_on)
  end
end
