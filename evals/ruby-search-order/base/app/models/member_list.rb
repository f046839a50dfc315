# frozen_string_literal: true

# The members that a staff member looks at: cut to a page.
class MemberList
  PAGE = 50

  # @param params [Hash] what came with the request: `page`
  def initialize(params, scope: Member.active)
    @scope = scope
    @page = [params[:page].to_i, 1].max
  end

  def members
    @scope.order(:name, :id).limit(PAGE).offset((@page - 1) * PAGE)
  end

  def total
    @total ||= @scope.count
  end

  def pages
    [(total.to_f / PAGE).ceil, 1].max
  end
end
