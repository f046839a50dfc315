module example.org/upload

go 1.22
