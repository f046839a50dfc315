class Labels
  def for(item)
    labels = ["item"]
    labels << "new" if item.new?
    labels
  end
end
