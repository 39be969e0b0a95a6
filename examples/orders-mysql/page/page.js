const fields = ["order_id", "product_id", "quantity", "amount", "shipping", "tax", "shipping_address"];
const byId = (id) => document.getElementById(id);
/** The service has a port of its own beside the page's; `?service=` names another. */
const service = new URLSearchParams(location.search).get("service") ?? `http://${location.hostname}:8080`;

async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(`${service}${path}`, options).catch(() => {
    throw new Error(`Nobody answers at ${service}.`);
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

async function act(work, news) {
  try {
    await work();
    await show();
    byId("news").textContent = news;
  } catch (error) {
    byId("news").textContent = error.message;
  }
}

async function show() {
  const orders = await ask("/orders");
  byId("empty").hidden = orders.length > 0;
  byId("rows").replaceChildren(...orders.map(rowOf));
  const next = Math.max(0, ...orders.map((order) => order.order_id)) + 1;
  byId("take").elements.namedItem("order_id").value = next;
}

function rowOf(order) {
  const row = document.createElement("tr");
  for (const field of fields) row.insertCell().textContent = order[field];
  const button = document.createElement("button");
  button.textContent = "Delete";
  button.setAttribute("aria-label", `Delete order ${order.order_id}`);
  button.addEventListener("click", () =>
    act(() => ask(`/delete_order?id=${order.order_id}`), `Order ${order.order_id} is deleted.`),
  );
  row.insertCell().append(button);
  return row;
}

byId("take").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const order = Object.fromEntries(fields.map((field) => [field, form.get(field)]));
  for (const field of fields.slice(0, -1)) order[field] = Number(order[field]);
  void act(() => ask("/create_order", order), `Order ${Number(form.get("order_id"))} is created.`);
});
byId("init").addEventListener("click", () => act(() => ask("/init"), "The table is empty."));

/** The first time there is no table yet. */
show().catch(() => act(() => ask("/init"), "The table is made."));

// Its names are its own.
export {};
