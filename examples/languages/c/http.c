// Answers HTTP requests without generated bindings: what the canonical ABI makes of wasi:http's functions is declared by hand. A GET is
// greeted, a POST gets its body back as it comes.
// reactor
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HTTP(name) __attribute__((import_module("wasi:http/types@0.2.12"), import_name(name)))
#define STREAMS(name) __attribute__((import_module("wasi:io/streams@0.2.12"), import_name(name)))

typedef int32_t handle;

// result<handle>, and results whose error is not looked at: the largest, error-code, needs 40 bytes.
struct made {
  uint8_t is_error;
  handle handle;
};
struct ignored {
  _Alignas(8) char bytes[40];
};
// variant method: its number, and the name of one that has none.
struct method {
  uint8_t number;
  const char *name;
  size_t length;
};
struct path {
  uint8_t is_there;
  const char *text;
  size_t length;
};
// result<u64, stream-error>
struct spliced {
  uint8_t is_error;
  union {
    uint64_t bytes;
    struct {
      uint8_t is_closed;
      handle error;
    };
  };
};
enum { method_post = 2 };

HTTP("[method]incoming-request.method") void request_method(handle request, struct method *result);
HTTP("[method]incoming-request.path-with-query") void request_path(handle request, struct path *result);
HTTP("[method]incoming-request.consume") void request_consume(handle request, struct made *result);
HTTP("[resource-drop]incoming-request") void request_drop(handle request);
HTTP("[method]incoming-body.stream") void incoming_stream(handle body, struct made *result);
HTTP("[resource-drop]incoming-body") void incoming_drop(handle body);
HTTP("[constructor]fields") handle fields_new(void);
HTTP("[method]fields.append")
void fields_append(handle fields, const char *name, size_t name_length, const char *value, size_t length,
                   struct ignored *result);
HTTP("[constructor]outgoing-response") handle response_new(handle fields);
HTTP("[method]outgoing-response.body") void response_body(handle response, struct made *result);
HTTP("[method]outgoing-body.write") void outgoing_stream(handle body, struct made *result);
HTTP("[static]outgoing-body.finish")
void outgoing_finish(handle body, int32_t has_trailers, handle trailers, struct ignored *result);
// The numbers behind the response are an error-code's, for an answer that failed.
HTTP("[static]response-outparam.set")
void respond(handle outparam, int32_t is_error, handle response, int32_t, int64_t, int32_t, int32_t, int32_t, int32_t);
STREAMS("[method]output-stream.blocking-write-and-flush")
void stream_write(handle stream, const char *bytes, size_t length, struct ignored *result);
STREAMS("[method]output-stream.blocking-splice")
void stream_splice(handle into, handle from, uint64_t most, struct spliced *result);
STREAMS("[resource-drop]output-stream") void output_drop(handle stream);
STREAMS("[resource-drop]input-stream") void input_drop(handle stream);
__attribute__((import_module("wasi:io/error@0.2.12"), import_name("[resource-drop]error"))) void error_drop(handle error);

static handle handle_of(struct made made) {
  if (made.is_error) abort();
  return made.handle;
}

static void echo(handle request, handle output) {
  struct made made;
  struct spliced spliced;
  request_consume(request, &made);
  handle body = handle_of(made);
  incoming_stream(body, &made);
  handle input = handle_of(made);
  do stream_splice(output, input, 65536, &spliced);
  while (!spliced.is_error);
  if (!spliced.is_closed) error_drop(spliced.error);
  input_drop(input);
  incoming_drop(body);
}

static void greet(handle request, handle output) {
  struct path path;
  struct ignored ignored;
  char text[4096];
  request_path(request, &path);
  int length = path.is_there ? (int)path.length : 0;
  snprintf(text, sizeof text, "Hello from C at %.*s\n", length, path.text);
  stream_write(output, text, strlen(text), &ignored);
  if (path.is_there) free((void *)path.text);
}

__attribute__((export_name("wasi:http/incoming-handler@0.2.12#handle")))
void answer(handle request, handle outparam) {
  struct method method;
  struct made made;
  struct ignored ignored;
  request_method(request, &method);
  handle fields = fields_new();
  fields_append(fields, "content-type", 12, "text/plain", 10, &ignored);
  handle response = response_new(fields);
  response_body(response, &made);
  handle body = handle_of(made);
  respond(outparam, 0, response, 0, 0, 0, 0, 0, 0);
  outgoing_stream(body, &made);
  handle output = handle_of(made);
  if (method.number == method_post) echo(request, output);
  else greet(request, output);
  output_drop(output);
  outgoing_finish(body, 0, 0, &ignored);
  request_drop(request);
}

// Strings that calls answer come into memory that this gives.
__attribute__((export_name("cabi_realloc")))
void *cabi_realloc(void *old, size_t old_size, size_t alignment, size_t size) {
  void *memory = realloc(old, size);
  if (memory == NULL) abort();
  return memory;
}
