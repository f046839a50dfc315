# frozen_string_literal: true

# The members that a staff member looks at: searched, sorted, cut to a page.
class MemberList
  COLUMNS = %w[name email city joined_on].freeze
  SEARCHED = %w[name email].freeze
  PAGE = 50

  # @param params [Hash] what came with the request: `q`, `sort`, `direction`, `page`
  def initialize(params, scope: Member.active)
    @scope = scope
    @query = params[:q].to_s.strip
    @sort = params[:sort].to_s
    @direction = params[:direction].presence || 'asc'
    @page = [params[:page].to_i, 1].max
  end

  def members
    sorted.limit(PAGE).offset((@page - 1) * PAGE)
  end

  def total
    @total ||= found.count
  end

  def pages
    [(total.to_f / PAGE).ceil, 1].max
  end

  private

  def found
    return @scope if @query.empty?

    pattern = "%#{Member.sanitize_sql_like(@query)}%"
    condition = SEARCHED.map { |column| "#{column} ILIKE :pattern" }.join(' OR ')
    @scope.where(condition, pattern: pattern)
  end

  def sorted
    column = COLUMNS.include?(@sort) ? @sort : 'name'
    found.order(Arel.sql("#{column} #{@direction}, id"))
  end
end
