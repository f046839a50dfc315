#!/bin/sh
set -e
ruby bin/clean.rb --dry > report.txt
mail -s "Old files" ops@example.org < report.txt
