require "optparse"

options = { dry: false }
OptionParser.new do |parser|
  parser.on("--dry", "delete nothing") { options[:dry] = true }
end.parse!

Dir["tmp/*.old"].each do |path|
  options[:dry] ? puts(path) : File.delete(path)
end
