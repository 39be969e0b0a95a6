// A program in Go for wasip1 that serves HTTP and dials.
//
//	go-net serve ADDRESS        answers GET / with a greeting, POST /echo with what it got, GET /fetch?url= with what it got
//	                            from there
//	go-net get URL              prints what a server answers
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/stealthrocket/net/wasip1"
)

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: go-net serve ADDRESS | go-net get URL"))
	}
	// Go's own net package has no sockets on wasip1: these come from the host.
	client := &http.Client{
		Transport: &http.Transport{DialContext: wasip1.DialContext},
		Timeout:   10 * time.Second,
	}
	switch os.Args[1] {
	case "serve":
		fail(serve(os.Args[2], client))
	case "get":
		if err := get(client, os.Args[2], os.Stdout); err != nil {
			fail(err)
		}
	default:
		fail(fmt.Errorf("%q is neither serve nor get", os.Args[1]))
	}
}

func serve(address string, client *http.Client) error {
	listener, err := wasip1.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println("listening on", listener.Addr().(*net.TCPAddr).Port)
	handler := http.NewServeMux()
	handler.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "Hello from Go")
	})
	handler.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		// Go's server stops reading a request once the answer has begun.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = w.Write(body)
	})
	handler.HandleFunc("/fetch", func(w http.ResponseWriter, r *http.Request) {
		if err := get(client, r.URL.Query().Get("url"), w); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	})
	return http.Serve(listener, handler)
}

func get(client *http.Client, url string, to io.Writer) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(to, response.Body)
	return err
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "go-net:", err)
	os.Exit(1)
}
