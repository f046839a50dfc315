class Labels
  DEFAULT = ["item"]

  def for(item)
    labels = DEFAULT
    labels << "new" if item.new?
    labels
  end
end
