function answer(request: Request): Response {
  const { pathname } = new URL(request.url);
  return new Response(`Hello from ${pathname}\n`, { headers: { "content-type": "text/plain" } });
}

addEventListener("fetch", (event) => {
  const { request } = event as FetchEvent;
  (event as FetchEvent).respondWith(answer(request));
});
