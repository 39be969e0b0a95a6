package main

import (
	"fmt"
	"log"
	"net/http"
	"net/http/cgi"
)

func main() {
	handler := http.NewServeMux()
	handler.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(w, "Hello from %s\n", r.URL.Path)
	})
	// The server starts the program for each request.
	if err := cgi.Serve(handler); err != nil {
		log.Fatal(err)
	}
}
