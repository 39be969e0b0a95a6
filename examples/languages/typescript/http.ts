// Answers HTTP requests as a service worker does: a GET is greeted, a POST gets its body back as it comes.
function answer({ method, url, body }: Request): Response {
  const { pathname, search } = new URL(url);
  const headers = { "content-type": "text/plain" };
  return new Response(method === "POST" ? body : `Hello from TypeScript at ${pathname}${search}\n`, { headers });
}

addEventListener("fetch", (event) => {
  const { request } = event as FetchEvent;
  (event as FetchEvent).respondWith(answer(request));
});
