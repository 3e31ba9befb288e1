// Swagger UI resolves the whole document whenever someone opens an operation, which takes a second. This resolves the
// references of that operation alone. All of ours lead to a schema of the document, and no schema contains itself.
const follow = (whole, path) => path.reduce((part, key) => part[key], whole);

const resolve = (whole, value) => {
  if (Array.isArray(value)) return value.map((item) => resolve(whole, item));
  if (value === null || typeof value !== "object") return value;
  const { $ref: reference, ...beside } = value;
  const fields = Object.fromEntries(Object.entries(beside).map(([key, item]) => [key, resolve(whole, item)]));
  if (!reference) return fields;
  const target = resolve(whole, follow(whole, reference.slice("#/".length).split("/")));
  return { ...target, ...fields, $$ref: location.origin + location.pathname + reference };
};

SwaggerUIBundle({
  spec: JSON.parse(document.getElementById("document").textContent),
  domNode: document.getElementById("docs"),
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  plugins: [
    { fn: { resolveSubtree: async (whole, path) => ({ spec: resolve(whole, follow(whole, path)), errors: [] }) } },
  ],
  validatorUrl: null,
});
