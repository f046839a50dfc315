require "optparse"

options = { simulate: false }
OptionParser.new do |parser|
  parser.on("--simulate", "delete nothing") { options[:simulate] = true }
end.parse!

Dir["tmp/*.old"].each do |path|
  options[:simulate] ? puts(path) : File.delete(path)
end
