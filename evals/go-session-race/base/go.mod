module example.org/login

go 1.23
