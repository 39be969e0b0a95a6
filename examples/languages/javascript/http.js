// Answers HTTP requests as a service worker does: a GET is greeted, a POST gets its body back as it comes.
addEventListener("fetch", (event) => {
  const { method, url, body } = event.request;
  const { pathname, search } = new URL(url);
  const headers = { "content-type": "text/plain" };
  event.respondWith(
    new Response(method === "POST" ? body : `Hello from JavaScript at ${pathname}${search}\n`, { headers }),
  );
});
