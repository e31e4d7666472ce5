"""The pages: one module per surface; each handler parses, calls one use case, maps the result.

A page in three steps:

1. In a module of ``web``: ``routes = Routes()`` and a handler::

       @routes.get("/p/{partner}/campaigns/{campaign}")
       @partner_page()                      # or hq_page(Role.HQ_ADMIN), signed_in_page, or none
       def show(visit: Visit, campaign: str) -> Answer:
           found = drafts.open(visit.world, visit.credentials, CampaignId(campaign))
           return render(visit, "partner/campaign.html", found=found, active=_("Campaigns"))

   ``NotFound``, ``Conflict``, ``Refused`` and ``Retryable`` that a handler lets pass become pages;
   a form shows a ``Refused`` itself: ``return refuse(visit, "partner/form.html", refusal, form=visit.form.plain())``.
2. The URL gets a method in ``urls.Urls``; the module is named in ``surfaces.MODULES``.
3. The template in ``templates/pages`` extends ``base.html`` and builds from ``macros.html``; every POST form
   holds ``{{ ui.csrf_field() }}``. Without JavaScript everything works; ``static/app.js`` lists its hooks.
"""
