// Swagger UI over the document of this server: it calls the page's own origin, and asks nobody else for anything.
"use strict";
(async () => {
  const place = document.getElementById("swagger");

  // Its dark colours follow a class, ours follow the browser.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", follow);
  follow();

  try {
    const answer = await fetch(place.dataset.document);
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    const spec = await answer.json();
    spec.servers = [{ url: `${location.origin}/api/v1` }];
    SwaggerUIBundle({
      domNode: place,
      spec,
      validatorUrl: null,
      deepLinking: false,
      persistAuthorization: false,
      tryItOutEnabled: true,
      withCredentials: false,
      // Only the token counts, as for a program: the cookie of whoever is signed in is left out.
      requestInterceptor: (request) => Object.assign(request, { credentials: "omit" }),
    });
  } catch (error) {
    place.textContent = `The description of the API could not be read: ${error.message}. Reload the page to try again.`;
  }
})();
