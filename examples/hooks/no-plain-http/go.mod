module no-plain-http

go 1.26
