"""Answers HTTP requests: a GET is greeted, a POST gets its body back as it comes."""

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports.streams import OutputStream, StreamError_Closed
from wit_world.imports.types import (
    Fields,
    IncomingRequest,
    Method_Post,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)


def echo(request: IncomingRequest, output: OutputStream) -> None:
    with request.consume() as body, body.stream() as stream:
        try:
            while True:
                output.blocking_splice(stream, 65_536)
        except Err as error:
            if not isinstance(error.value, StreamError_Closed):
                raise


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        response = OutgoingResponse(Fields.from_list([("content-type", b"text/plain")]))
        body = response.body()
        ResponseOutparam.set(response_out, Ok(response))
        with body.write() as output:
            if isinstance(request.method(), Method_Post):
                echo(request, output)
            else:
                output.blocking_write_and_flush(f"Hello from Python at {request.path_with_query()}\n".encode())
        OutgoingBody.finish(body, None)
