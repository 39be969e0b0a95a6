// Answers HTTP requests as a program that is started for each of them (CGI): a GET is greeted, a POST gets its body back.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cgi"
)

func answer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	if r.Method == http.MethodPost {
		if _, err := io.Copy(w, r.Body); err != nil {
			log.Print(err)
		}
		return
	}
	fmt.Fprintf(w, "Hello from Go at %s\n", r.URL.RequestURI())
}

func main() {
	if err := cgi.Serve(http.HandlerFunc(answer)); err != nil {
		log.Fatal(err)
	}
}
